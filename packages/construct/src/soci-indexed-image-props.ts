import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { IndexingOptions } from './indexing-options';

/**
 * How `SociIndexedImage` indexes an image, wherever that comes from. The images of a stack share a function, which has the most
 * memory and time that one of them asks for; `architecture`, `logRetention`, `permissionsBoundary` and `vpc` are the same for all.
 */
export interface SociIndexedImageOptions extends IndexingOptions {
  /**
   * Tag of the SOCI-enabled image: text with `{tag}`, the image's own tag, and `{digest12}`, the first 12 digits of its digest; or
   * `none`. Not used with version 1.
   *
   * @default '{tag}-soci', or 'soci-{digest12}' for an image that is given by its digest
   */
  readonly outputTag?: string;
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
   * and it goes with the first of them. A construct that is renamed or moved is made anew before the
   * old one is deleted: set this to false, deploy, and rename it then.
   *
   * @default true
   */
  readonly removeIndex?: boolean;
  /**
   * Network that the function runs in. It must reach CloudFormation's addresses in Amazon S3, over the internet or a gateway
   * endpoint for S3, where layers lie too; and `ecr.api` and `ecr.dkr`; with `wait` false, `lambda`.
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
