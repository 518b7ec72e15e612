// An API that takes access tokens of Tokenwright, in Node.js with the package
// jose. What stands above the API is made to be copied: follow() keeps up with
// what is revoked, verify() judges a token, authenticate() one of a request, and
// refuse() says why not.
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { createServer } from 'node:http'

const issuer = process.env.TOKENWRIGHT_ISSUER ?? 'http://localhost:8080/demo'
const audience = process.env.TOKENWRIGHT_AUDIENCE ?? `${issuer}/api`
const algorithms = ['ES256'] // as the environment is configured
const maxStale = Number(process.env.MAX_STALE ?? 3600) // seconds without news of revocations: as long as a token lives
const feedWait = Math.max(1, Math.min(30, Math.floor(maxStale / 3))) // seconds that a request waits for news

// The set is read again every four minutes (it may be kept for five), and, not
// more than once a minute, for an unknown key. Where it cannot be read the known
// one goes on.
const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks`), { cacheMaxAge: Infinity, cooldownDuration: 60_000 })
setInterval(() => keys.reload().catch(err => console.error('the signing keys cannot be read:', err.message)), 240_000).unref()

// What is revoked (/docs/revocation of the server). Nothing is asked per token.
const revoked = { issuedAt: 0, lineage: 0, seq: -1, minGen: 0, cutoffs: new Map(), tokens: new Map(), signingKeys: new Set() }
let whole = true // the next answer is to be the whole feed
const now = () => Math.floor(Date.now() / 1000)

async function readFeed (wait) {
  const query = whole ? '' : `?after=${revoked.seq}${wait ? `&wait=${feedWait}s` : ''}`
  const answer = await fetch(`${issuer}/oauth/revocations${query}`, { redirect: 'error', signal: AbortSignal.timeout(60_000) })
  if (!answer.ok) throw new Error(`the feed answers ${answer.status}`)
  const text = await answer.text()
  const open = () => jwtVerify(text, keys, { issuer, algorithms, typ: 'revocations+jwt', clockTolerance: 60 })
  const { payload: feed, protectedHeader } = await open().catch(async err => {
    if (!(err instanceof errors.JWKSNoMatchingKey)) throw err
    await keys.reload() // only the issuer can bring this about: the known key may be stolen
    return open()
  })
  if ([...revoked.signingKeys, ...feed.signing_keys].includes(protectedHeader.kid)) throw new Error('the feed is signed by a revoked key')
  if (feed.lineage < revoked.lineage || (feed.lineage === revoked.lineage && feed.seq < revoked.seq)) throw new Error('the feed is older than the one known')
  const partial = feed.after !== undefined
  if (partial && (feed.lineage !== revoked.lineage || feed.after > revoked.seq)) {
    whole = true // a restore, or news that are missing
    return
  }
  if (!partial) {
    revoked.cutoffs.clear()
    revoked.tokens.clear()
  }
  for (const { client_id: id, gen } of feed.cutoffs) revoked.cutoffs.set(id, Math.max(gen, revoked.cutoffs.get(id) ?? 0))
  for (const { jti, exp } of feed.tokens) revoked.tokens.set(jti, exp)
  for (const [jti, exp] of revoked.tokens) if (exp + 60 < now()) revoked.tokens.delete(jti)
  for (const kid of feed.signing_keys) revoked.signingKeys.add(kid)
  Object.assign(revoked, { issuedAt: Math.max(feed.iat, revoked.issuedAt), lineage: feed.lineage, seq: feed.seq, minGen: Math.max(feed.min_gen, revoked.minGen) })
  whole = false
}

async function follow () {
  setInterval(() => { whole = true }, 3_600_000).unref() // forget what the issuer has forgotten
  for (let failures = 0; ; ) {
    try {
      await readFeed(failures === 0)
      failures = 0
    } catch (err) {
      if (failures++ === 0) console.error('no news of revocations:', err.message)
    }
    const pause = failures === 0 ? 500 : Math.min(5_000, 250 * 2 ** failures) * (0.5 + Math.random())
    await new Promise(resolve => setTimeout(resolve, pause))
  }
}

export class Refusal extends Error {
  constructor (status, code, message, scope) { super(message); Object.assign(this, { status, code, scope }) }
}

export async function verify (token, scope) {
  if (now() - revoked.issuedAt > maxStale) throw new Refusal(503, '', 'Access tokens cannot be verified at the moment.')
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer, audience, algorithms, typ: 'at+jwt', clockTolerance: 5, requiredClaims: ['exp', 'iat', 'jti', 'client_id', 'gen', 'scope', 'claims']
  }).catch(err => {
    if (err instanceof errors.JWTExpired) throw new Refusal(401, 'invalid_token', 'Expired token.')
    const network = err instanceof errors.JWKSTimeout || err.code === 'ERR_JOSE_GENERIC' || !(err instanceof errors.JOSEError)
    if (network) throw new Refusal(503, '', 'The signing keys cannot be read at the moment.')
    throw new Refusal(401, 'invalid_token', 'Invalid token.')
  })
  // jose takes a list that has the audience as well, and a token without kid where there is one key.
  if (payload.aud !== audience || !protectedHeader.kid) throw new Refusal(401, 'invalid_token', 'Invalid token.')
  if (payload.gen < revoked.minGen || payload.gen < (revoked.cutoffs.get(payload.client_id) ?? 0) ||
      revoked.tokens.has(payload.jti) || revoked.signingKeys.has(protectedHeader.kid)) throw new Refusal(401, 'invalid_token', 'Revoked token.')
  if (!payload.scope.split(' ').includes(scope)) throw new Refusal(403, 'insufficient_scope', `The access token lacks the scope ${scope}.`, scope)
  return payload
}

// The claims of a request that may pass. The merchant is who they say, never who the
// request says.
export async function authenticate (request, scope) {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (!token) throw new Refusal(401, '', 'Access token missing.')
  return verify(token, scope)
}

export function refuse (response, { status, code, message, scope }) {
  const challenge = `Bearer realm="${audience}"` + (code && `, error="${code}"`) + (scope ? `, scope="${scope}"` : '')
  response.writeHead(status, { 'Content-Type': 'application/json', ...(status === 503 ? { 'Retry-After': '5' } : { 'WWW-Authenticate': challenge }) })
  response.end(JSON.stringify({ code: String(status), message }))
}

await readFeed(false) // an API that cannot know what is revoked does not start
follow()

// The API.
const server = createServer(async (request, response) => {
  try {
    const { claims } = await authenticate(request, 'customers:read')
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ merchantId: claims.merchantId, env: claims.env }))
  } catch (err) {
    if (err instanceof Refusal) return refuse(response, err)
    response.writeHead(500, { 'Content-Type': 'application/json' }).end('{"code":"500","message":"Something went wrong on our side."}')
  }
})
server.listen(Number(process.env.PORT ?? 8090), 'localhost', () => {
  console.log(`listening on http://localhost:${server.address().port}`)
})
