// @badgateway/oauth2-client, told the metadata or the token endpoint.
import { OAuth2Client } from '@badgateway/oauth2-client'
import * as protocol from '../protocol.mjs'

async function getToken({ issuer, tokenEndpoint, clientId, clientSecret, auth, discovery }) {
  const { origin, pathname } = new URL(issuer)
  const client = new OAuth2Client({
    clientId,
    clientSecret,
    authenticationMethod: auth === 'basic' ? 'client_secret_basic' : 'client_secret_post',
    ...(discovery
      ? { discoveryEndpoint: `${origin}/.well-known/oauth-authorization-server${pathname}` }
      : { tokenEndpoint }),
  })
  const token = await client.clientCredentials()
  return token.accessToken
}

await protocol.client('@badgateway/oauth2-client', getToken, (err) => err.oauth2Code)
