// jose. Key set and expectations are all it needs.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as protocol from '../protocol.mjs'

await protocol.verifier('jose', async ({ jwksUri, issuer, audience, algorithm }) => {
  const keys = createRemoteJWKSet(new URL(jwksUri))
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: [algorithm] })
    return payload
  }
})
