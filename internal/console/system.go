package console

var systemRoutes []route
