// aws-jwt-verify, its generic verifier. It fetches keys over https only.
import { JwtVerifier } from 'aws-jwt-verify'
import * as protocol from '../protocol.mjs'

await protocol.verifier('aws-jwt-verify', async ({ httpsJwksUri, issuer, audience, algorithm }) => {
  const verifier = JwtVerifier.create({
    issuer,
    audience,
    jwksUri: httpsJwksUri,
    customJwtCheck({ header }) {
      if (header.typ !== 'at+jwt') throw new Error(`typ is ${header.typ}`)
      if (header.alg !== algorithm) throw new Error(`alg is ${header.alg}`)
    },
  })
  return (token) => verifier.verify(token)
})
