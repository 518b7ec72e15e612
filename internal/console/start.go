package console

var startRoutes []route
