package console

var usageRoutes []route
