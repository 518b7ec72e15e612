// passport-jwt, which gets its keys from jwks-rsa. It does not look at typ.
import express from 'express'
import jwksRsa from 'jwks-rsa'
import passport from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import * as protocol from '../protocol.mjs'

await protocol.expressVerifier('passport-jwt + jwks-rsa', ({ jwksUri, issuer, audience, algorithm }) => {
  passport.use(new Strategy({
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    secretOrKeyProvider: jwksRsa.passportJwtSecret({ jwksUri, cache: true }),
    issuer,
    audience,
    algorithms: [algorithm],
  }, (claims, done) => done(null, claims)))

  const app = express()
  app.get('/claims', (req, res, next) => {
    // Without a callback of its own, passport answers 401 and not why.
    passport.authenticate('jwt', { session: false }, (err, claims, info) => {
      if (err) return next(err)
      if (!claims) return res.status(401).json({ error: info.message })
      res.json(claims)
    })(req, res, next)
  })
  return app
})
