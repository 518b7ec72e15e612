// oauth4webapi, as a resource server: it wants the profile of RFC 9068 whole.
import * as oauth from 'oauth4webapi'
import * as protocol from '../protocol.mjs'

const insecure = { [oauth.allowInsecureRequests]: true } // for http://localhost only

await protocol.verifier('oauth4webapi', async ({ issuer, audience, algorithm }) => {
  const url = new URL(issuer)
  const metadata = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure })
  const as = await oauth.processDiscoveryResponse(url, metadata)
  return (token) => {
    const request = new Request(audience, { headers: { Authorization: `Bearer ${token}` } })
    return oauth.validateJwtAccessToken(as, request, audience, {
      signingAlgorithms: [algorithm],
      [oauth.clockTolerance]: 0, // instead of 30 s
      ...insecure,
    })
  }
})
