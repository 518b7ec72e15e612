package adminapi

import (
	"net/http"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Route is an endpoint, for whoever checks that none is forgotten.
type Route struct {
	Method string
	Path   string // below Root, a pattern of net/http's ServeMux
	Scope  string // that a token needs
	// Versioned endpoints take If-Match.
	Versioned bool
	// Operators are the only ones whose tokens can have the scope.
	Operators bool
}

type route struct {
	Route
	status int // of success
	handle func(*API, *request) (any, error)
}

// Routes returns every endpoint.
func Routes() []Route {
	list := make([]Route, len(routes))
	for i := range routes {
		list[i] = routes[i].Route
		list[i].Operators = !authority.MerchantsMayHold(list[i].Scope)
	}
	return list
}

func get(path, scope string, handle func(*API, *request) (any, error)) route {
	return route{Route{Method: http.MethodGet, Path: path, Scope: scope}, http.StatusOK, handle}
}

func create(path, scope string, handle func(*API, *request) (any, error)) route {
	return route{Route{Method: http.MethodPost, Path: path, Scope: scope}, http.StatusCreated, handle}
}

// change is an endpoint that changes something which has a version.
func change(method, path, scope string, status int, handle func(*API, *request) (any, error)) route {
	return route{Route{Method: method, Path: path, Scope: scope, Versioned: true}, status, handle}
}

func post(path, scope string, handle func(*API, *request) (any, error)) route {
	return change(http.MethodPost, path, scope, http.StatusOK, handle)
}

func patch(path, scope string, handle func(*API, *request) (any, error)) route {
	return change(http.MethodPatch, path, scope, http.StatusOK, handle)
}

func remove(path, scope string, handle func(*API, *request) (any, error)) route {
	return change(http.MethodDelete, path, scope, http.StatusNoContent, handle)
}

// unversioned is for things that cannot be changed, only made and removed.
func unversioned(r route) route {
	r.Versioned = false
	return r
}

var routes = []route{
	get("/merchants", authority.MerchantsRead, (*API).listMerchants),
	create("/merchants", authority.MerchantsWrite, (*API).createMerchant),
	get("/merchants/{merchantId}", authority.MerchantsRead, (*API).showMerchant),
	patch("/merchants/{merchantId}", authority.MerchantsWrite, (*API).updateMerchant),
	post("/merchants/{merchantId}/suspend", authority.MerchantsWrite, (*API).suspendMerchant),
	post("/merchants/{merchantId}/resume", authority.MerchantsWrite, (*API).resumeMerchant),
	remove("/merchants/{merchantId}", authority.MerchantsDelete, (*API).deleteMerchant),
	create("/merchants/{merchantId}/portal-links", authority.UsersWrite, (*API).createPortalLink),

	get("/scopes", authority.ScopesRead, (*API).listScopes),
	create("/scopes", authority.ScopesWrite, (*API).createScope),
	unversioned(remove("/scopes/{name}", authority.ScopesDelete, (*API).deleteScope)),

	get("/api-keys", authority.APIKeysRead, (*API).listAPIKeys),
	create("/api-keys", authority.APIKeysWrite, (*API).createAPIKey),
	get("/api-keys/report", authority.APIKeysRead, (*API).report),
	get("/api-keys/{clientId}", authority.APIKeysRead, (*API).showAPIKey),
	patch("/api-keys/{clientId}", authority.APIKeysWrite, (*API).updateAPIKey),
	change(http.MethodPost, "/api-keys/{clientId}/rotate", authority.APIKeysWrite, http.StatusCreated, (*API).rotateAPIKey),
	post("/api-keys/{clientId}/disable", authority.APIKeysWrite, (*API).disableAPIKey),
	post("/api-keys/{clientId}/enable", authority.APIKeysWrite, (*API).enableAPIKey),
	remove("/api-keys/{clientId}", authority.APIKeysDelete, (*API).deleteAPIKey),
	get("/api-keys/{clientId}/secrets", authority.APIKeysRead, (*API).listSecrets),
	remove("/api-keys/{clientId}/secrets/{secretId}", authority.APIKeysDelete, (*API).deleteSecret),

	get("/signing-keys", authority.SigningKeysRead, (*API).listSigningKeys),
	unversioned(post("/signing-keys/rotate", authority.SigningKeysWrite, (*API).rotateSigningKey)),
	unversioned(post("/signing-keys/{kid}/revoke", authority.SigningKeysDelete, (*API).revokeSigningKey)),

	get("/users", authority.UsersRead, (*API).listUsers),
	create("/users", authority.UsersWrite, (*API).createUser),
	get("/users/{userId}", authority.UsersRead, (*API).showUser),
	patch("/users/{userId}", authority.UsersWrite, (*API).updateUser),
	post("/users/{userId}/disable", authority.UsersWrite, (*API).disableUser),
	post("/users/{userId}/enable", authority.UsersWrite, (*API).enableUser),
	post("/users/{userId}/reset", authority.UsersWrite, (*API).resetUser),
	remove("/users/{userId}", authority.UsersDelete, (*API).deleteUser),

	get("/events", authority.EventsRead, (*API).listEvents),
	get("/usage", authority.UsageRead, (*API).usage),

	get("/webhooks", authority.EventsRead, (*API).listWebhooks),
	get("/webhooks/{name}/deliveries", authority.EventsRead, (*API).listDeliveries),
}
