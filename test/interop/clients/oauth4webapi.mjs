// oauth4webapi, step by step: metadata, request, answer.
import * as oauth from 'oauth4webapi'
import * as protocol from '../protocol.mjs'

const insecure = { [oauth.allowInsecureRequests]: true } // for http://localhost only

async function getToken({ issuer, clientId, clientSecret, auth, discovery }) {
  const url = new URL(issuer)
  const metadata = await oauth.discoveryRequest(url, { algorithm: discovery, ...insecure })
  const as = await oauth.processDiscoveryResponse(url, metadata)

  const client = { client_id: clientId }
  const authentication = auth === 'basic' ? oauth.ClientSecretBasic(clientSecret) : oauth.ClientSecretPost(clientSecret)
  const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, insecure)
  const tokens = await oauth.processClientCredentialsResponse(as, client, response)
  return tokens.access_token
}

// Every refusal of a client is 401 with WWW-Authenticate, which the library
// reports before it reads the body. The body says what is wrong.
async function errorOf(err) {
  if (err instanceof oauth.WWWAuthenticateChallengeError) return (await err.response.json()).error
  return err.error
}

await protocol.client('oauth4webapi', getToken, errorOf)
