import type { Duration, Size } from 'aws-cdk-lib';
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Architecture } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';

/** Version of the SOCI index format. */
export class SociIndexVersion {
  /**
   * An index that refers to the unchanged image. Runtimes use these indexes only if configured. AWS Fargate uses them only for
   * accounts that used them before AWS announced the end of this support. Not verified since February 2026.
   */
  public static readonly V1 = new SociIndexVersion('V1');

  /** A SOCI-enabled image in addition to the pushed image, with another tag. AWS Fargate supports this version. */
  public static readonly V2 = new SociIndexVersion('V2');

  /** Returns the version with a name, which may be a token such as a parameter value. @param value - `V1` or `V2`. */
  public static of(value: string): SociIndexVersion {
    return new SociIndexVersion(value);
  }

  /** Name of the version: `V1`, `V2`, or a token. */
  public readonly value: string;

  private constructor(value: string) {
    this.value = value;
  }
}

/** Layers that are recompressed with gzip, so that they are indexed. SOCI indexes do not support zstd. */
export class SociRecompression {
  /** Layers that are compressed with zstd. */
  public static readonly ZSTD = new SociRecompression('zstd');

  /** Layers that are compressed with zstd, and uncompressed layers. */
  public static readonly ZSTD_AND_TAR = new SociRecompression('zstd,tar');

  /**
   * Returns the recompression with a name, which may be a token such as a parameter value.
   *
   * @param value - `zstd`, `zstd,tar`, or `none`.
   */
  public static of(value: string): SociRecompression {
    return new SociRecompression(value);
  }

  /** Name of the recompression: `zstd`, `zstd,tar`, `none`, or a token. */
  public readonly value: string;

  private constructor(value: string) {
    this.value = value;
  }
}

/** Options that `SociIndexBuilder` and `SociIndexedImage` share: index format and settings of the functions. */
export interface IndexingOptions {
  /** Version of the index. @default SociIndexVersion.V2 */
  readonly indexVersion?: SociIndexVersion;
  /** Minimum compressed size of a layer to index. @default Size.mebibytes(10) */
  readonly minLayerSize?: Size;
  /** Uncompressed size of a span, the unit that a runtime fetches on demand. @default Size.mebibytes(4) */
  readonly spanSize?: Size;
  /**
   * Whether spans are small where the start of a container reads, and large elsewhere, so that it starts sooner. They follow the
   * profile that is stored in the repository (`soci-index profile push`); without one, a prediction from the image. Not tested
   * on AWS Fargate. Excludes `spanSize`.
   *
   * @default false
   */
  readonly autoSpanSize?: boolean;
  /**
   * Whether spans follow the profile that is stored in the repository (`soci-index profile push`). Without one, they have the
   * default size, also with `autoSpanSize`. Everyone who may push to the repository may change its profile. Excludes
   * `spanSize`.
   *
   * @default false
   */
  readonly useStoredProfile?: boolean;
  /**
   * Layers to recompress with gzip. The SOCI-enabled image then has other layer digests than the original image, which does not
   * change. Requires `SociIndexVersion.V2`.
   *
   * @default - layers do not change, and zstd layers are not indexed
   */
  readonly recompress?: SociRecompression;
  /**
   * Memory of the function that builds indexes, 256 to 10,240 MB. Lambda allocates one vCPU for each 1,769 MB. The function
   * builds one layer for each vCPU at the same time. Its memory usage is usually less than 256 MB.
   *
   * @default 1769
   */
  readonly memorySize?: number;
  /**
   * Timeout of the function that builds indexes, 30 seconds to 30 minutes. The function stops 10 seconds earlier. Lambda allows
   * more than 15 minutes since November 2026: a Region without this support rejects the deployment.
   *
   * @default Duration.minutes(15)
   */
  readonly timeout?: Duration;
  /** Instruction set architecture of the functions. @default Architecture.X86_64 */
  readonly architecture?: Architecture;
  /**
   * Retention of the functions' logs. The log groups then belong to the stack and are deleted with it.
   *
   * @default - Lambda creates log groups without expiry, which remain when the stack is deleted. With the CDK feature flag
   * `useCdkManagedLogGroup`, which `cdk init` sets, the stack creates log groups with a retention of two years and retains them
   */
  readonly logRetention?: RetentionDays;
  /** Permissions boundary of every role. @default - no permissions boundary */
  readonly permissionsBoundary?: IManagedPolicy;
}
