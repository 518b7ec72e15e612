package console

var eventRoutes []route
