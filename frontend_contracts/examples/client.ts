// A typed client of the graph and one of the old REST API: all of it that a frontend needs.
import createClient from "openapi-fetch";
import { Bottle, Bottles, Login, type Operation } from "../typescript/operations";
import type { paths } from "../typescript/okto-edge";

/** Executes a query or a mutation. Its variables and its result have the operation's types. */
export async function request<Data, Variables>(
  url: string,
  token: string,
  operation: Operation<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query: operation.text, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(`${errors[0].extensions.code}: ${errors[0].message}`);
  return data;
}

const url = "http://127.0.0.1:8080";
export const rest = createClient<paths>({ baseUrl: url });

/** The serials of the newest bottles. */
export async function serials(username: string, password: string): Promise<string[]> {
  const { login } = await request(url, "", Login, { username, password });
  const page = await request(url, login.token, Bottles, { first: 10, filter: { status: "CREATED" } });
  return page.bottles.edges.map(({ node }) => node.serial);
}

/** The same bottle over the graph and over REST. */
export async function both(token: string, id: string): Promise<[string, string] | null> {
  const { bottle } = await request(url, token, Bottle, { id });
  const { data } = await rest.GET("/api/v1/bottles/{id}", {
    params: { path: { id } },
    headers: { Authorization: `Bearer ${token}` },
  });
  return bottle && data ? [bottle.serial, data.data.exciseDutyNumber] : null;
}
