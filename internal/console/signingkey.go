package console

var signingKeyRoutes []route
