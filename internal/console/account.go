package console

var accountRoutes []route
