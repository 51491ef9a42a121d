// GraphiQL for this server: operations over HTTP, subscriptions over a WebSocket that is opened
// with the headers of the header editor, so that one Authorization serves both.
"use strict";
(() => {
  const root = document.getElementById("graphiql");
  const url = root.dataset.endpoint;
  const socketUrl = new URL(url, location.href.replace(/^http/, "ws")).href;
  const overHttp = GraphiQL.createFetcher({ url, enableIncrementalDelivery: false });
  let signedInToken = "";
  let socket = null;
  let socketHeaders = "";

  function socketFor(headers) {
    const wanted = JSON.stringify(headers || {});
    if (socket === null || wanted !== socketHeaders) {
      if (socket !== null) socket.dispose();
      socketHeaders = wanted;
      socket = graphqlWs.createClient({
        url: socketUrl,
        connectionParams: JSON.parse(wanted),
        retryAttempts: 3,
      });
    }
    return socket;
  }

  function isSubscription(parameters, options) {
    const definitions = (options && options.documentAST && options.documentAST.definitions) || [];
    return definitions.some(
      (one) =>
        one.kind === "OperationDefinition" &&
        one.operation === "subscription" &&
        (!parameters.operationName || (one.name && one.name.value === parameters.operationName)),
    );
  }

  // Whoever ran a mutation that answered a token is signed in, in every tab, until the page is
  // left. An Authorization in the header editor comes first.
  function authorised(options) {
    const headers = { ...(options && options.headers) };
    const given = Object.keys(headers).find((name) => name.toLowerCase() === "authorization");
    if (given && !headers[given]) delete headers[given];
    if (!(given && headers[given]) && signedInToken) {
      headers.Authorization = `Bearer ${signedInToken}`;
    }
    return { ...options, headers };
  }

  function remember(result) {
    const payloads = Object.values((result && result.data) || {});
    const found = payloads.find((one) => one && typeof one.token === "string");
    if (found) signedInToken = found.token;
    const codes = ((result && result.errors) || []).map((one) => (one.extensions || {}).code);
    if (codes.includes("UNAUTHORIZED")) signedInToken = "";
    return result;
  }

  function fetcher(parameters, given) {
    const options = authorised(given);
    if (!isSubscription(parameters, options)) {
      return Promise.resolve(overHttp(parameters, options)).then(remember);
    }
    return {
      subscribe(observer) {
        const unsubscribe = socketFor(options.headers).subscribe(parameters, {
          next: (result) => observer.next(result),
          complete: () => observer.complete(),
          error: (error) =>
            observer.error(
              error instanceof CloseEvent
                ? new Error(`The socket closed with ${error.code}: ${error.reason}`)
                : error,
            ),
        });
        return { unsubscribe };
      },
    };
  }

  const page = JSON.parse(document.getElementById("first-operations").textContent);
  const introduction = "# Ctrl-Enter runs, Ctrl-Space completes.\n";
  const tabs = page.map((query) => ({ query: introduction + query }));

  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultTabs: tabs,
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
    }),
  );
})();
