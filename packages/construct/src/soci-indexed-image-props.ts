import type { Duration, Size } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Architecture } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { SociIndexVersion } from './soci-index-version';

/** How `SociIndexedImage` indexes an image, wherever that comes from. */
export interface SociIndexedImageOptions {
  /** What is made. @default SociIndexVersion.V2 */
  readonly indexVersion?: SociIndexVersion;
  /**
   * Tag of the SOCI-enabled image: text with `{tag}`, the image's own tag, and `{digest12}`, the first 12 digits of its digest; or
   * `none`. Not used with version 1.
   *
   * @default '{tag}-soci', or 'soci-{digest12}' for an image that is given by its digest
   */
  readonly outputTag?: string;
  /** Layers that are smaller, compressed, are left out. @default Size.mebibytes(10) */
  readonly minLayerSize?: Size;
  /** Uncompressed data between the points of a layer where reading can start. @default Size.mebibytes(4) */
  readonly spanSize?: Size;
  /**
   * Whether the deployment waits for the index, and fails without it. Else it goes on with the image as it is, and the index is
   * made beside it; what comes of that is in the log of the function.
   *
   * @default true
   */
  readonly wait?: boolean;
  /**
   * Whether the SOCI-enabled image and its SOCI indexes are deleted with this construct, and when another image takes the place
   * of this one. What has another tag stays; the image that was indexed always does.
   *
   * An index that was there before, as of a `SociIndexBuilder`, is deleted likewise. Two constructs for one image share an index,
   * and it goes with the first of them. A construct that is renamed or moved is made
   * anew before the old one is deleted: set this to false, deploy, and rename it then.
   *
   * @default true
   */
  readonly removeIndex?: boolean;
  /**
   * Memory of the function in MB, 256 to 10,240. One core comes with 1,769 MB and builds one layer at a time, another with each
   * 1,769 MB more. The images of a stack share a function, which has the most that one of them asks for.
   *
   * @default 1769
   */
  readonly memorySize?: number;
  /**
   * Time that one image may take, at least 30 seconds, at most 15 minutes. The images of a stack share a function, which has
   * the most that one of them asks for.
   *
   * @default Duration.minutes(15)
   */
  readonly timeout?: Duration;
  /** Processors that the function runs on. The same for all images of a stack. @default Architecture.X86_64 */
  readonly architecture?: Architecture;
  /**
   * How long the log of the function is kept. The log group then belongs to the stack, and goes with it. The same for all images
   * of a stack.
   *
   * @default - the log group is made by Lambda, kept for ever, and stays when the stack is deleted; with the CDK's flag
   * `useCdkManagedLogGroup`, which `cdk init` sets, it is the stack's, kept for two years, and stays
   */
  readonly logRetention?: RetentionDays;
  /** Boundary of the permissions of the function's role. The same for all images of a stack. @default - none */
  readonly permissionsBoundary?: IManagedPolicy;
  /**
   * Network that the function runs in. It must reach CloudFormation's addresses in Amazon S3, over the internet or a gateway
   * endpoint for S3, where layers lie too; and `ecr.api` and `ecr.dkr`; with `wait` false, `lambda`. The same for all images of a
   * stack.
   *
   * @default - none of yours
   */
  readonly vpc?: IVpc;
}

/** Properties of `SociIndexedImage`. */
export interface SociIndexedImageProps extends SociIndexedImageOptions {
  /** Repository that the image is in, and that its index goes to: in the account and Region of the stack. */
  readonly repository: IRepository;
  /**
   * Tag or digest (`sha256:...`) of the image, which must be there when the stack is deployed. What a tag names is looked up then, and
   * again only when a property has changed: use tags that do not move, or digests.
   */
  readonly tag: string;
}
