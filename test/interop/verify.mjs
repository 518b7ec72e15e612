// Verifies access tokens with jose. Standard input is a JSON array of jobs:
//   {token, jwksUri | jwks, issuer, audience, typ, algorithms}
// Standard output is an array of {header, payload} or {error}, in their order.
import { text } from 'node:stream/consumers'
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose'

async function verify({ token, jwksUri, jwks, ...options }) {
  const keys = jwks ? createLocalJWKSet(jwks) : createRemoteJWKSet(new URL(jwksUri))
  try {
    const { protectedHeader, payload } = await jwtVerify(token, keys, options)
    return { header: protectedHeader, payload }
  } catch (err) {
    return { error: err.code ?? String(err) }
  }
}

const jobs = JSON.parse(await text(process.stdin))
process.stdout.write(JSON.stringify(await Promise.all(jobs.map(verify))))
