package console

var ssoRoutes []route
