package console

var scopeRoutes []route
