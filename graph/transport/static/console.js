// GraphiQL for this server: operations over HTTP, subscriptions over a WebSocket that is opened
// with the headers of the header editor, so that one Authorization serves both.
"use strict";
(() => {
  const root = document.getElementById("graphiql");
  const url = root.dataset.endpoint;
  const socketUrl = new URL(url, location.href.replace(/^http/, "ws")).href;
  const overHttp = GraphiQL.createFetcher({ url });
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

  function fetcher(parameters, options) {
    if (!isSubscription(parameters, options)) return overHttp(parameters, options);
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

  const firstQuery = `# Ctrl-Enter runs, Ctrl-Space completes.
# Sign in with the mutation "login" and put its
# token into the header editor below:
#   { "Authorization": "Bearer ..." }
# It serves queries and live subscriptions.

query WhichFields {
  __schema {
    queryType { fields { name description } }
    subscriptionType { fields { name description } }
  }
}
`;

  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultQuery: firstQuery,
      defaultHeaders: '{\n  "Authorization": ""\n}',
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
      defaultEditorToolsVisibility: "headers",
    }),
  );
})();
