/** Tables of leases on PostgreSQL. */

import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { leaseTableContract } from "../sql/lease/contract.ts";
import { postgresLeasePlace } from "./lease_place.ts";

for (const [shared, label] of [[sharedPostgres(), "PostgreSQL"], [sharedPostgres18(), "PostgreSQL 18"]] as const) {
  const place = postgresLeasePlace(shared, label);
  leaseTableContract(place);
}
