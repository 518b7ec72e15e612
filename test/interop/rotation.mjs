// Gets tokens of several servers and verifies each with the JWKS of all of
// them, at once and again shortly before it expires, while signing keys rotate.
// Standard input is one job as JSON, standard output what was found.
import { setTimeout as sleep } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'

const job = JSON.parse(await text(process.stdin))
const found = { tokens: 0, verified: 0, kids: [], failures: [] }

// As impatient as a verifier may be: it keeps a JWKS for exactly max-age, and
// never fetches it sooner for a kid that it does not know.
const verifiers = job.servers.map((server) =>
  createRemoteJWKSet(new URL(`${server}/demo/oauth/jwks`), { cacheMaxAge: job.maxAge * 1000, cooldownDuration: Infinity }))
// As jose is where nothing is configured: ten minutes, sooner for an unknown kid.
if (job.defaults) verifiers.push(createRemoteJWKSet(new URL(`${job.servers[0]}/demo/oauth/jwks`)))

const options = { issuer: job.issuer, audience: `${job.issuer}/api`, typ: 'at+jwt', algorithms: ['ES256'] }

async function verify(token, issued, when) {
  for (const keys of verifiers) {
    try {
      // The expiry is not in question here, the signing key is.
      await jwtVerify(token, keys, { ...options, currentDate: issued })
      found.verified++
    } catch (err) {
      fail(`${when}: ${err.code ?? err} for ${decodeProtectedHeader(token).kid}`)
    }
  }
}

function fail(what) {
  if (found.failures.length < 20) found.failures.push(`${new Date().toISOString()} ${what}`)
}

async function getToken(server) {
  const answer = await fetch(`${server}/oauth/token`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: job.clientId, client_secret: job.clientSecret }),
  })
  const body = await answer.json()
  if (answer.status !== 200) throw new Error(`${server} answers ${answer.status} ${body.error}: ${body.error_description}`)
  return body
}

const end = Date.now() + job.seconds * 1000
const late = []

async function work(server) {
  while (Date.now() < end) {
    try {
      const { access_token: token, expires_in: life } = await getToken(server)
      const issued = new Date()
      const { kid } = decodeProtectedHeader(token)
      found.tokens++
      if (!found.kids.includes(kid)) found.kids.push(kid)
      await verify(token, issued, 'at once')
      if (found.tokens % job.again === 0) late.push(sleep((life - 1) * 1000).then(() => verify(token, issued, 'before it expires')))
    } catch (err) {
      fail(String(err.cause ?? err))
    }
    await sleep(job.pause)
  }
}

await Promise.all(job.servers.flatMap((server) => Array.from({ length: job.workers }, () => work(server))))
await Promise.all(late)
process.stdout.write(JSON.stringify(found))
