/** A list price, and where it comes from. */
export interface Price {
  /** Dollars for one unit. */
  readonly usd: number;
  /** In the plural. */
  readonly unit: string;
  readonly source: string;
}

/** Date of {@link PRICES}. */
export const PRICES_DATE = '2026-11-28';

/** List prices of us-east-1, without free tiers and discounts. */
export const PRICES = {
  lambdaX86: { usd: 0.0000166667, unit: 'GB-seconds', source: 'aws.amazon.com/lambda/pricing' },
  lambdaArm: { usd: 0.0000133334, unit: 'GB-seconds', source: 'aws.amazon.com/lambda/pricing' },
  lambdaRequests: { usd: 0.0000002, unit: 'requests', source: 'aws.amazon.com/lambda/pricing' },
  // 1 vCPU for $0.04048 and 2 GB of memory for $0.00889.
  fargateCpu: { usd: 0.04937, unit: 'vCPU-hours', source: 'aws.amazon.com/fargate/pricing' },
  stateTransitions: { usd: 0.000025, unit: 'state transitions', source: 'aws.amazon.com/step-functions/pricing' },
  ecrStorage: { usd: 0.1, unit: 'GB-months', source: 'aws.amazon.com/ecr/pricing' },
  transferOut: { usd: 0.09, unit: 'GB', source: 'aws.amazon.com/ecr/pricing' },
  natGateway: { usd: 0.045, unit: 'GB', source: 'aws.amazon.com/vpc/pricing' },
  inspectorImage: { usd: 0.09, unit: 'pushed images', source: 'aws.amazon.com/inspector/pricing' },
} as const satisfies Readonly<Record<string, Price>>;
