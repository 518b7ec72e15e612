package console

var apiKeyRoutes []route
