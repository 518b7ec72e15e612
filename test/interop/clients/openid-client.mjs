// openid-client, configured by the issuer's metadata.
import * as client from 'openid-client'
import * as protocol from '../protocol.mjs'

async function getToken({ issuer, clientId, clientSecret, auth, discovery }) {
  const authentication = auth === 'basic' ? client.ClientSecretBasic(clientSecret) : client.ClientSecretPost(clientSecret)
  const config = await client.discovery(new URL(issuer), clientId, undefined, authentication, {
    algorithm: discovery, // oauth2 or oidc, which is the default
    execute: [client.allowInsecureRequests], // for http://localhost only
  })
  const tokens = await client.clientCredentialsGrant(config)
  return tokens.access_token
}

// Every refusal of a client is 401 with WWW-Authenticate, which the library
// reports before it reads the body. The body says what is wrong.
async function errorOf(err) {
  if (err instanceof client.WWWAuthenticateChallengeError) return (await err.response.json()).error
  return err.error
}

await protocol.client('openid-client', getToken, errorOf)
