// express-oauth2-jwt-bearer, configured by the issuer's metadata.
import express from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import * as protocol from '../protocol.mjs'

await protocol.expressVerifier('express-oauth2-jwt-bearer', ({ issuer, audience, algorithm }) => {
  const app = express()
  app.use(auth({
    issuerBaseURL: issuer,
    audience,
    tokenSigningAlg: algorithm,
    strict: true, // the profile of RFC 9068, typ among it
    clockTolerance: 0, // instead of 5 s
  }))
  app.get('/claims', (req, res) => res.json(req.auth.payload))
  return app
})
