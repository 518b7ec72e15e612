// Starts the explorer of the API, which is Scalar's (vendor/scalar.js). Loaded,
// deferred, before that, on its page alone.
(() => {
  "use strict";
  // It asks whether it may compile code, which the policy forbids: it may not.
  globalThis.__zod_globalConfig = { jitless: true };

  // What would ask, or lead to, a server of its makers is off.
  const options = {
    withDefaultFonts: false,
    telemetry: false,
    showDeveloperTools: "never",
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    persistAuth: false,
    documentDownloadType: "none",
    defaultOpenFirstTag: true,
    metaData: { title: document.title },
    // A refusal names the scheme Basic. With credentials the browser would answer that
    // with its own box to log in, and the explorer would wait for it.
    customFetch: (input, init) => fetch(input, { ...init, credentials: "omit" }),
  };

  addEventListener("DOMContentLoaded", () => { // deferred scripts have run
    const place = document.getElementById("explorer");
    place.replaceChildren(); // it would take what it finds for its own
    globalThis.Scalar.createApiReference(place, { ...options, url: place.dataset.document });
  });
})();
