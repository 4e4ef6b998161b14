import type { Duration, Size } from 'aws-cdk-lib';
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Architecture } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';

/** A version of SOCI indexes. */
export class SociIndexVersion {
  /**
   * An index that refers to the image, which stays as it is. Runtimes look for such indexes only where they are told to; AWS
   * Fargate does for accounts that used them before 2026.
   */
  public static readonly V1 = new SociIndexVersion('V1');

  /** A SOCI-enabled image beside the one that was pushed, with a tag of its own: what AWS Fargate takes today. */
  public static readonly V2 = new SociIndexVersion('V2');

  /** A version by its name, which may be a token, such as the value of a parameter. @param value - `V1` or `V2`. */
  public static of(value: string): SociIndexVersion {
    return new SociIndexVersion(value);
  }

  /** `V1` or `V2`, or a token. */
  public readonly value: string;

  private constructor(value: string) {
    this.value = value;
  }
}

/** What a builder and an indexed image are both given: how indexes are made, and what the functions have in common. */
export interface IndexingOptions {
  /** What is made. @default SociIndexVersion.V2 */
  readonly indexVersion?: SociIndexVersion;
  /** Layers that are smaller, compressed, are left out. @default Size.mebibytes(10) */
  readonly minLayerSize?: Size;
  /** Uncompressed data between the points of a layer where reading can start. @default Size.mebibytes(4) */
  readonly spanSize?: Size;
  /**
   * Memory in MB of the function that builds indexes, 256 to 10,240. It needs less than 256, but processors come with memory: one
   * core at 1,769 MB, which builds one layer at a time, and another for each 1,769 MB more.
   *
   * @default 1769
   */
  readonly memorySize?: number;
  /**
   * Time of the function that builds indexes, at least 30 seconds, at most 15 minutes. It ends by itself 10 seconds before.
   *
   * @default Duration.minutes(15)
   */
  readonly timeout?: Duration;
  /** Processors that the functions run on. They have no code of their own for either. @default Architecture.X86_64 */
  readonly architecture?: Architecture;
  /**
   * How long the logs of the functions are kept. Their log groups then belong to the stack, and go with it.
   *
   * @default - log groups are made by Lambda, kept for ever, and stay when the stack is deleted; with the CDK's flag
   * `useCdkManagedLogGroup`, which `cdk init` sets, they are the stack's, kept for two years, and stay
   */
  readonly logRetention?: RetentionDays;
  /** Boundary of the permissions of every role. @default - none */
  readonly permissionsBoundary?: IManagedPolicy;
}
