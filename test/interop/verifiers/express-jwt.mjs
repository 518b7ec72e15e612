// express-jwt, which gets its keys from jwks-rsa. It does not look at typ.
import express from 'express'
import { expressjwt } from 'express-jwt'
import jwksRsa from 'jwks-rsa'
import * as protocol from '../protocol.mjs'

await protocol.expressVerifier('express-jwt + jwks-rsa', ({ jwksUri, issuer, audience, algorithm }) => {
  const app = express()
  app.use(expressjwt({
    secret: jwksRsa.expressJwtSecret({ jwksUri, cache: true }),
    issuer,
    audience,
    algorithms: [algorithm],
  }))
  app.get('/claims', (req, res) => res.json(req.auth))
  return app
})
