// jsonwebtoken, which gets its keys from jwks-rsa. It leaves typ to its user.
import jwt from 'jsonwebtoken'
import jwksRsa from 'jwks-rsa'
import { promisify } from 'node:util'
import * as protocol from '../protocol.mjs'

const verify = promisify(jwt.verify)

await protocol.verifier('jsonwebtoken + jwks-rsa', async ({ jwksUri, issuer, audience, algorithm }) => {
  const client = jwksRsa({ jwksUri })
  const getKey = async ({ kid }) => (await client.getSigningKey(kid)).getPublicKey()
  return async (token) => {
    const { header, payload } = await verify(
      token,
      (header, done) => getKey(header).then((key) => done(null, key), done),
      { issuer, audience, algorithms: [algorithm], complete: true },
    )
    if (header.typ !== 'at+jwt') throw new Error(`typ is ${header.typ}`)
    return payload
  }
})
