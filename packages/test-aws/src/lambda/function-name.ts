/** Where functions are. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** A name alone, with the account, or as an ARN; with or without the only version there is. */
const REFERENCE =
  /^(?:(?:arn:(?<partition>aws[\w-]*):lambda:(?<region>[\w-]+):)?(?<account>\d{12}):function:)?(?<name>[\w-]{1,64})(?::\$LATEST)?$/;

/** The ARN of a function. */
export function arnOf(name: string, place: Place): string {
  return `arn:${partitionOf(place.region)}:lambda:${place.region}:${place.account}:function:${name}`;
}

/** The name in what a client calls a function by; undefined of one that is elsewhere, or of none. */
export function nameIn(reference: string, place: Place): string | undefined {
  const { partition, region, account, name } = REFERENCE.exec(reference)?.groups ?? {};
  if (account !== undefined && account !== place.account) return undefined;
  if (region !== undefined && (region !== place.region || partition !== partitionOf(region))) return undefined;
  return name;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
