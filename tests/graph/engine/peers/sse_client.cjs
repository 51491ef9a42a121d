// Subscribes with the npm graphql-sse client: node sse_client.cjs CLIENT URL AFTER COUNT
const [, , library, url, after, count] = process.argv;
const { createClient } = require(library);
const client = createClient({ url, headers: { Authorization: "Bearer alice" } });

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
  client.dispose();
})().catch((error) => {
  console.log(JSON.stringify({ failed: String(error) }));
  process.exitCode = 1;
});
