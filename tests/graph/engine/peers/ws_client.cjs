// Subscribes with the npm graphql-ws client: node ws_client.cjs CLIENT URL AFTER COUNT
const [, , library, url, after, count] = process.argv;
const { createClient } = require(library);
const client = createClient({ url, connectionParams: { Authorization: "Bearer alice" } });

(async () => {
  const results = client.iterate({
    query: "subscription S($after: String) { scans(after: $after) { cursor code } }",
    variables: { after: after || null },
  });
  let left = Number(count);
  for await (const result of results) {
    console.log(JSON.stringify(result.errors ? result : result.data.scans));
    left -= 1;
    if (left === 0) break;
  }
  const answer = client.iterate({ query: "query { me }" });
  console.log(JSON.stringify((await answer.next()).value));
  await client.dispose();
})().catch((error) => {
  console.log(JSON.stringify({ failed: error instanceof Array ? error : String(error) }));
  process.exitCode = 1;
});
