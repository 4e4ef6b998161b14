/** The host name of a private ECR registry, taken apart. */
export interface EcrHost {
  /** The AWS account that owns the registry: 12 digits. */
  readonly account: string;
  /** Such as `eu-west-1`. */
  readonly region: string;
  /** The AWS partition that the region is of, such as `aws-cn`. */
  readonly partition: EcrPartition;
  /** Whether the name is the one of the FIPS endpoint. */
  readonly fips: boolean;
  /** Whether the name is the one that answers over IPv6 as well. */
  readonly dualStack: boolean;
}

/** Every partition of AWS. */
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
  /** What its regions look like. A region decides between partitions that share a suffix. */
  readonly region: RegExp;
  /** Suffix of the names that answer over IPv4 only. */
  readonly suffix: string;
  /** Suffix of the dual-stack names. */
  readonly dualStack: string;
}

/**
 * Suffixes of IPv4 names and patterns of regions are those of the AWS SDKs' partitions.json (in @aws-sdk/core,
 * util-endpoints/lib/aws/partitions), but for the first: the SDK lists the countries that have regions, and a region in
 * a further one should not wait for a release of ours. Dual-stack suffixes are partitions.json's with `on.` for `api.`,
 * as docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html, amazon-ecr-credential-helper
 * (ecr-login/api/client.go) and amazon-ecs-agent (ecs-agent/utils/uri) have them between them; for aws-eusc none of them
 * says it, and other services' names there (public suffix list) go by the same rule.
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

/** account, `.dkr.ecr` or `.dkr-ecr`, FIPS, region, the rest. Anchored: whoever owns `...amazonaws.com.example` is not AWS. */
const ECR_HOST = /^(\d{12})\.dkr([.-])ecr(-fips)?\.([a-z\d-]{1,32})\.([a-z\d.-]{1,64})$/;

/**
 * Takes the host name of a private ECR registry apart; undefined for every other host, one with a port included.
 * What it recognises is given AWS credentials' tokens, so a suffix counts only with a region of its own partition.
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

/** The host name of an account's private registry in a region; undefined where no partition has such a region. */
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
 * The hosts of ECR Public; the second answers over IPv6 as well.
 * docs.aws.amazon.com/AmazonECR/latest/public/public-ecr-requests.html
 */
const ECR_PUBLIC_HOSTS: ReadonlySet<string> = new Set(['public.ecr.aws', 'ecr-public.aws.com']);

/** Whether a host is ECR Public. */
export function isEcrPublicHost(host: string): boolean {
  return ECR_PUBLIC_HOSTS.has(host.toLowerCase());
}
