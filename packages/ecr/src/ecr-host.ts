/** The parts of the host name of a private ECR registry. */
export interface EcrHost {
  /** The AWS account that owns the registry: 12 digits. */
  readonly account: string;
  /** AWS Region, such as `eu-west-1`. */
  readonly region: string;
  /** AWS partition of the Region, such as `aws-cn`. */
  readonly partition: EcrPartition;
  /** Whether it is a FIPS endpoint. */
  readonly fips: boolean;
  /** Whether it is a dual-stack endpoint, which supports IPv4 and IPv6. */
  readonly dualStack: boolean;
}

/** An AWS partition. */
export type EcrPartition =
  | 'aws'
  | 'aws-cn'
  | 'aws-eusc'
  | 'aws-iso'
  | 'aws-iso-b'
  | 'aws-iso-e'
  | 'aws-iso-f'
  | 'aws-us-gov';

interface PartitionNames {
  readonly name: EcrPartition;
  /** Pattern of Region names, which distinguishes partitions with the same suffix. */
  readonly region: RegExp;
  /** Suffix of IPv4-only host names. */
  readonly suffix: string;
  /** Suffix of dual-stack host names. */
  readonly dualStack: string;
}

/**
 * IPv4 suffixes and Region patterns are those of partitions.json in the AWS SDK (@aws-sdk/core,
 * util-endpoints/lib/aws/partitions), except for the pattern of `aws`: the SDK lists the country codes, but a new one
 * should not require a new release of this package. Dual-stack suffixes are those of partitions.json with `on.` instead
 * of `api.`, according to docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html,
 * amazon-ecr-credential-helper (ecr-login/api/client.go) and amazon-ecs-agent (ecs-agent/utils/uri). None of them
 * covers aws-eusc, where other services follow the same rule (public suffix list).
 */
const PARTITIONS: readonly PartitionNames[] = [
  { name: 'aws', region: /^(?!cn-)[a-z]{2}-[a-z]+-\d{1,2}$/, suffix: 'amazonaws.com', dualStack: 'on.aws' },
  { name: 'aws-us-gov', region: /^us-gov-[a-z]+-\d{1,2}$/, suffix: 'amazonaws.com', dualStack: 'on.aws' },
  {
    name: 'aws-cn',
    region: /^cn-[a-z]+-\d{1,2}$/,
    suffix: 'amazonaws.com.cn',
    dualStack: 'on.amazonwebservices.com.cn',
  },
  {
    name: 'aws-eusc',
    region: /^eusc-[a-z]{2}-[a-z]+-\d{1,2}$/,
    suffix: 'amazonaws.eu',
    dualStack: 'on.amazonwebservices.eu',
  },
  { name: 'aws-iso', region: /^us-iso-[a-z]+-\d{1,2}$/, suffix: 'c2s.ic.gov', dualStack: 'on.aws.ic.gov' },
  { name: 'aws-iso-b', region: /^us-isob-[a-z]+-\d{1,2}$/, suffix: 'sc2s.sgov.gov', dualStack: 'on.aws.scloud' },
  {
    name: 'aws-iso-e',
    region: /^eu-isoe-[a-z]+-\d{1,2}$/,
    suffix: 'cloud.adc-e.uk',
    dualStack: 'on.cloud-aws.adc-e.uk',
  },
  { name: 'aws-iso-f', region: /^us-isof-[a-z]+-\d{1,2}$/, suffix: 'csp.hci.ic.gov', dualStack: 'on.aws.hci.ic.gov' },
];

/** Account, `.dkr.ecr` or `.dkr-ecr`, FIPS, Region, suffix. Anchored: `...amazonaws.com.example` is not AWS. */
const ECR_HOST = /^(\d{12})\.dkr([.-])ecr(-fips)?\.([a-z\d-]{1,32})\.([a-z\d.-]{1,64})$/;

/**
 * Parses the host name of a private ECR registry. Returns undefined for all other hosts, including hosts with a port.
 * ECR credentials are sent to recognized hosts, so a suffix is accepted only with a Region of its partition.
 */
export function parseEcrHost(host: string): EcrHost | undefined {
  const [, account, separator, fips, region, suffix] = ECR_HOST.exec(host.toLowerCase()) ?? [];
  if (account === undefined || region === undefined) return undefined;
  const dualStack = separator === '-';
  const partition = PARTITIONS.find(
    (names) => suffix === (dualStack ? names.dualStack : names.suffix) && names.region.test(region),
  );
  if (partition === undefined) return undefined;
  return { account, region, partition: partition.name, fips: fips !== undefined, dualStack };
}

/** Returns the host name of a private registry, or undefined if the account or the Region is invalid. */
export function formatEcrHost({
  account,
  region,
  fips = false,
  dualStack = false,
}: Pick<EcrHost, 'account' | 'region'> & Partial<EcrHost>): string | undefined {
  const partition = PARTITIONS.find((names) => names.region.test(region));
  if (partition === undefined || !/^\d{12}$/.test(account)) return undefined;
  const service = `${dualStack ? 'dkr-ecr' : 'dkr.ecr'}${fips ? '-fips' : ''}`;
  return `${account}.${service}.${region}.${dualStack ? partition.dualStack : partition.suffix}`;
}

/**
 * The hosts of ECR Public; the second one is dual-stack.
 * docs.aws.amazon.com/AmazonECR/latest/public/public-ecr-requests.html
 */
const ECR_PUBLIC_HOSTS: ReadonlySet<string> = new Set(['public.ecr.aws', 'ecr-public.aws.com']);

/** Reports whether a host is ECR Public. */
export function isEcrPublicHost(host: string): boolean {
  return ECR_PUBLIC_HOSTS.has(host.toLowerCase());
}
