"""What the scripts have in common: one job as JSON on standard input, for a
secret is never an argument, and one result as JSON on standard output."""
import json
import sys
from importlib.metadata import version


def client(library, get_token, error_of):
    """Get one access token; error_of says what OAuth error the library has made of a refusal."""
    result = {"version": version(library)}
    try:
        result["token"] = get_token(**json.load(sys.stdin))
    except Exception as err:
        result["error"] = error_of(err) or repr(err)
    json.dump(result, sys.stdout)


def verifier(library, set_up):
    """Verify the tokens of a job, all under the same expectations."""
    job = json.load(sys.stdin)
    tokens = job.pop("tokens")
    verify = set_up(**job)
    results = []
    for token in tokens:
        try:
            results.append({"claims": verify(token)})
        except Exception as err:
            results.append({"error": str(err) or repr(err)})
    json.dump({"version": version(library), "results": results}, sys.stdout)
