// simple-oauth2, which is told the token endpoint in two pieces.
import { ClientCredentials } from 'simple-oauth2'
import * as protocol from '../protocol.mjs'

async function getToken({ tokenEndpoint, clientId, clientSecret, auth }) {
  const { origin, pathname } = new URL(tokenEndpoint)
  const client = new ClientCredentials({
    client: { id: clientId, secret: clientSecret },
    auth: { tokenHost: origin, tokenPath: pathname },
    options: { authorizationMethod: auth === 'basic' ? 'header' : 'body' },
  })
  const { token } = await client.getToken({})
  return token.access_token
}

await protocol.client('simple-oauth2', getToken, (err) => err.data?.payload?.error)
