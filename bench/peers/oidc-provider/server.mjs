// A token endpoint built with oidc-provider: everything in memory, access
// tokens as JWTs signed with ES256. Of those it answers no introspection, but
// of opaque ones, which are for another resource.
//   node server.mjs 127.0.0.1:9002
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const [host, port] = process.argv[2].split(':')
const audience = 'urn:api'
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })

const provider = new Provider(`http://${host}:${port}`, {
  clients: [{
    client_id: 'client0123456789abcdefghij',
    client_secret: 'secret0123456789abcdefghijklmnopqrstuvwxyzABCDEF',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: 'ES256', // of its one signing key; no ID token is issued here
  }],
  jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256', kid: '1' }] },
  extraTokenClaims: () => ({ claims: { env: 'demo', merchantId: 4259 } }),
  ttl: { ClientCredentials: 3600 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'customers:read customers:write',
        audience,
        accessTokenFormat: resource === audience ? 'jwt' : 'opaque',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
provider.listen(Number(port), host)
