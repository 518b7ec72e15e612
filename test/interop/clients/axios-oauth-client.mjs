// axios-oauth-client, which sends ID and secret in the body.
import axios from 'axios'
import { clientCredentials } from 'axios-oauth-client'
import * as protocol from '../protocol.mjs'

async function getToken({ tokenEndpoint, clientId, clientSecret }) {
  const getClientCredentials = clientCredentials(axios.create(), tokenEndpoint, clientId, clientSecret)
  const tokens = await getClientCredentials()
  return tokens.access_token
}

await protocol.client('axios-oauth-client', getToken, (err) => err.response?.data?.error)
