// What the scripts have in common: one job as JSON on standard input, for a
// secret is never an argument, and one result as JSON on standard output.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'

/**
 * Gets one access token. errorOf says what OAuth error the library has made of
 * a refusal.
 */
export async function client(library, getToken, errorOf) {
  const job = await read()
  const result = { version: await versionOf(library) }
  try {
    result.token = await getToken(job)
  } catch (err) {
    result.error = (await errorOf(err)) ?? String(err)
  }
  write(result)
}

/** Verifies the tokens of a job, all under the same expectations. */
export async function verifier(library, setUp) {
  const job = await read()
  const verify = await setUp(job)
  const results = await Promise.all(job.tokens.map(async (token) => {
    try {
      return { claims: await verify(token) }
    } catch (err) {
      return { error: err.message }
    }
  }))
  write({ version: await versionOf(library), results })
}

/**
 * Verifies with a running Express application: the route /claims answers with
 * the claims of the bearer token, or with what the library says is wrong.
 */
export async function expressVerifier(library, makeApp) {
  let server
  await verifier(library, async (job) => {
    const app = makeApp(job)
    // Express knows an error handler by its four parameters.
    app.use((err, req, res, next) => res.status(err.status ?? 500).json({ error: err.message }))
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (token) => callAPI(server.address().port, token)
  })
  server.close()
  server.closeAllConnections()
}

async function callAPI(port, token) {
  const response = await fetch(`http://127.0.0.1:${port}/claims`, { headers: { Authorization: `Bearer ${token}` } })
  const body = await response.json()
  if (response.status === 200) return body
  throw new Error(response.status === 401 ? body.error : `status ${response.status}: ${body.error}`)
}

async function read() {
  return JSON.parse(await text(process.stdin))
}

function write(result) {
  process.stdout.write(JSON.stringify(result))
}

/** Of several libraries that are used together, as 'a + b', these are several. */
async function versionOf(libraries) {
  const versions = libraries.split(' + ').map(async (library) => {
    const path = new URL(`node_modules/${library}/package.json`, import.meta.url)
    return JSON.parse(await readFile(path, 'utf8')).version
  })
  return (await Promise.all(versions)).join(' + ')
}
