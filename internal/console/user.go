package console

var userRoutes []route
