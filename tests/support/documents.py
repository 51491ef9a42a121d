"""GraphQL documents that several tests send."""

SCAN = """mutation ($input: ScanInput!) { scan(input: $input) {
  valid duplicate gtin reason message
  bottle { id identifier gtin serial status lineId }
  scan { id code timestamp source lineId scannerIndex } } }"""
CREATE_BOTTLES = """mutation ($input: CreateBottlesInput!) { createBottles(input: $input) {
  created bottles { id identifier gtin serial status party lineId deviceId isPreprint } } }"""
BATCH_FIELDS = """id identifier name status sentStatus bottleCount batchSize lineId deviceId
  createdAt completedAt bottles { id identifier status } pallet { id identifier }"""
CREATE_BATCH = (
    f"mutation ($input: CreateBatchInput!) {{ createBatch(input: $input) {{ {BATCH_FIELDS} }} }}"
)
ADD_BOTTLES = """mutation ($input: AddBottlesToBatchInput!) { addBottlesToBatch(input: $input) {
  added batch { id status bottleCount } } }"""
REMOVE_BOTTLES = """mutation ($input: RemoveBottlesFromBatchInput!) {
  removeBottlesFromBatch(input: $input) { added batch { id status bottleCount } } }"""
COMPLETE_BATCH = "mutation ($id: ID!) { completeBatch(id: $id) { id status completedAt } }"
PALLET_FIELDS = "id identifier sscc name status batchCount batches { id identifier bottleCount }"
CREATE_PALLET = (
    f"mutation ($input: CreatePalletInput!) {{ createPallet(input: $input) {{ {PALLET_FIELDS} }} }}"
)
ADD_BATCHES = """mutation ($input: AddBatchesToPalletInput!) { addBatchesToPallet(input: $input) {
  added pallet { id batchCount } } }"""
COMPLETE_PALLET = "mutation ($id: ID!) { completePallet(id: $id) { id status } }"
DISAGGREGATE = (
    """mutation ($id: ID!) { disaggregate(id: $id) { __typename id identifier status } }"""
)
BUFFER_BATCH = "id identifier name loaded consumed remaining loadedAt"
BUFFER = f"{{ buffer {{ loaded consumed remaining batches {{ {BUFFER_BATCH} }} }} }}"
LOAD_BUFFER = f"""mutation ($batch: String!) {{ loadBuffer(batchIdentifier: $batch) {{
  added batch {{ {BUFFER_BATCH} }} }} }}"""
CLEAR_BUFFER = f"""mutation ($batch: String) {{ clearBuffer(batchIdentifier: $batch) {{
  cleared batches {{ {BUFFER_BATCH} }} }} }}"""
VERIFY_CODE = f"""mutation ($code: String!, $by: String) {{
  verifyCode(code: $code, consumedBy: $by) {{ verified verdict gtin serial reason message
  item {{ bottleId gtin serial consumedAt consumedBy }} batch {{ {BUFFER_BATCH} }} }} }}"""
BATCH_CONTENT = """query ($identifier: String!, $first: Int, $after: String) {
  batchContent(identifier: $identifier) {
    batch { id identifier name lineId }
    bottles(first: $first, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      edges { node { id gtin serial status } } } } }"""
SET_STATUS = """mutation ($input: SetBottleStatusInput!) { setBottleStatus(input: $input) {
  id status updatedAt } }"""
VALIDATE = """mutation ($code: String!) { validateCode(code: $code) {
  valid duplicate gtin serial sscc profile reason message candidates gsLost bottle { id } } }"""
MOCK_SCAN = "mutation ($code: String!) { mockScan(code: $code) { valid scan { id source } } }"
GENERATE = "mutation ($industry: String!) { generateCode(industry: $industry) }"
RECORD_EVENT = """mutation ($input: RecordEventInput!) { recordEvent(input: $input) {
  id severity category source message data occurredAt acknowledgedAt acknowledgedBy } }"""
ACKNOWLEDGE = """mutation ($id: ID!) { acknowledgeEvent(id: $id) {
  id acknowledgedAt acknowledgedBy } }"""
ACKNOWLEDGE_ALL = "mutation { acknowledgeAllEvents { acknowledged } }"
TRACE = """query ($identifier: String!, $asOf: DateTime) {
  trace(identifier: $identifier, asOf: $asOf) {
  path { kind identifier status }
  tree { kind identifier status since children { kind identifier status
    children { kind identifier status } } }
  events { id kind status actor itemId otherId at }
  scans { code valid duplicate } } }"""
