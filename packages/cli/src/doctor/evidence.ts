import type { Descriptor, Platform } from '@soci/oci';

/** Everything that a diagnosis is based on. Parts that were not given or could not be read are absent. */
export interface Evidence {
  readonly registry: RegistryEvidence;
  /** Runtime that the user names with `--runtime`, or that the evidence shows. */
  readonly runtime?: RuntimeName;
  /** A task of Amazon ECS. */
  readonly task?: TaskEvidence;
  /** Configuration of containerd. */
  readonly containerd?: ContainerdEvidence;
  /** Configuration of soci-snapshotter. */
  readonly snapshotter?: SnapshotterEvidence;
  readonly log?: LogEvidence;
}

/** Runtimes that doctor distinguishes. */
export const RUNTIMES = [
  'fargate',
  'ecs-ec2',
  'eks-fargate',
  'lambda',
  'apprunner',
  'sagemaker',
  'sagemaker-endpoint',
  'containerd',
] as const;

/** A runtime. */
export type RuntimeName = (typeof RUNTIMES)[number];

/** A fact that could not be read, and why. */
export interface Unread {
  readonly unread: string;
}

/** Reports whether a fact could not be read. */
export function isUnread(fact: object | string | boolean | undefined): fact is Unread {
  return typeof fact === 'object' && 'unread' in fact;
}

/** What the registry says about an image. */
export interface RegistryEvidence {
  /** The reference as on the command line. */
  readonly name: string;
  readonly host: string;
  readonly repository: string;
  readonly tag: string | undefined;
  /** Whether the reference is a digest. */
  readonly isPinned: boolean;
  /** Tag of the original image, if `tag` is that of a SOCI-enabled version of it, and the original exists. */
  readonly original?: string;
  /** What the reference refers to. Absent if it does not exist. */
  readonly root?: Descriptor;
  /** The images of the root, one for each platform. */
  readonly platforms: readonly PlatformEntry[];
  /** SOCI indexes that the root lists. */
  readonly listedIndexes: readonly Descriptor[];
  /** The image that was read: that of the selected platform. Absent if the root has none for it. */
  readonly image?: ExaminedImage;
  /** The manifest of the selected platform, if it is missing or not that of an image. */
  readonly unreadable?: Descriptor;
  /** The platform that the user or a task asks for. */
  readonly wantedPlatform?: Platform;
  /** The v2 SOCI index of the image. Absent if the image names none. */
  readonly index?: ExaminedIndex | Unread;
  /** The v1 SOCI indexes that refer to the image. Read only if it has no v2 index. */
  readonly v1?: V1Evidence | Unread;
  /** The image under the tag that an index of this image has, such as `v1-soci`. Read only if the image has no v2 index. */
  readonly counterpart?: Counterpart | Unread;
  /** Format of layers whose first bytes were read, by digest. */
  readonly formats: ReadonlyMap<string, string>;
  /** Whether the registry answers range requests for layers. Absent if none was made. */
  readonly ranges?: 'supported' | Unread;
  /** What the API of Amazon ECR says. Absent for other registries. */
  readonly ecr?: EcrEvidence;
  /** Number of requests that were made. */
  readonly requests: number;
}

/** An image of the root. */
export interface PlatformEntry {
  readonly descriptor: Descriptor;
  readonly platform: Platform | undefined;
  /** Whether the root lists a SOCI index for it. */
  readonly isIndexed: boolean;
}

/** An image whose manifest was read. */
export interface ExaminedImage {
  readonly descriptor: Descriptor;
  readonly platform: Platform | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** Digest of the v2 SOCI index that the annotation of the manifest names. */
  readonly namedIndex: string | undefined;
}

/** A v2 SOCI index. */
export interface ExaminedIndex {
  readonly digest: string;
  /** `missing`: the repository does not have the manifest. `invalid`: it is not a SOCI index. */
  readonly state: 'present' | 'missing' | 'invalid';
  readonly ztocs: readonly ExaminedZtoc[];
}

/** A zTOC in a SOCI index. */
export interface ExaminedZtoc {
  readonly descriptor: Descriptor;
  readonly layer: string;
  /** In bytes; absent if the index does not say. */
  readonly spanSize: number | undefined;
  /** Whether the repository has it. */
  readonly state: 'present' | 'missing' | 'not-checked';
}

/** The v1 SOCI indexes of an image. */
export interface V1Evidence {
  readonly indexes: readonly Descriptor[];
}

/** Returns the v2 SOCI index of the image, if it names one. */
export function indexOf({ index }: RegistryEvidence): ExaminedIndex | undefined {
  return index === undefined || isUnread(index) ? undefined : index;
}

/** The image under the tag that an index of this image has. */
export interface Counterpart {
  readonly tag: string;
  /** `none`: the tag does not exist. `other`: it belongs to another image. `not-indexed`: it has no SOCI index. */
  readonly state: 'indexed' | 'none' | 'other' | 'not-indexed';
  readonly digest?: string;
}

/** What the API of Amazon ECR says about an image. */
export interface EcrEvidence {
  readonly account: string;
  readonly region: string;
  /** Absent if the API did not answer. */
  readonly isArchived?: boolean;
  /** When the root was pushed, in milliseconds since 1970. */
  readonly pushedAt?: number;
  /** All tags of the root. */
  readonly tags?: readonly string[];
  /** Lifecycle policy as JSON; `none` if the repository has none. Absent if it was not read. */
  readonly lifecycle?: string;
  /** Why a part could not be read. */
  readonly problem?: string;
}

/** A task of Amazon ECS, from its metadata or from the API. */
export interface TaskEvidence {
  /** Where it was read: a file, or the API. */
  readonly source: string;
  readonly arn?: string;
  /** Name or ARN of the cluster. */
  readonly cluster?: string;
  /** Name of the service that started it. */
  readonly service?: string;
  readonly region?: string;
  /** `FARGATE`, `EC2`, `EXTERNAL` or `MANAGED_INSTANCES`. */
  readonly launchType?: string;
  readonly platformVersion?: string;
  /** Such as `Linux` or `WINDOWS_SERVER_2022_CORE`. */
  readonly platformFamily?: string;
  /** When it was created, in milliseconds since 1970. */
  readonly createdAt?: number;
  /** The container that runs an image of the repository. */
  readonly container: TaskContainer;
  /** Names of the other containers. */
  readonly others: readonly string[];
}

/** A container of a task. */
export interface TaskContainer {
  readonly name: string;
  /** Image as in the task definition. */
  readonly image: string;
  readonly digest?: string;
  /** `soci` or `overlayfs`. Only in the metadata of tasks on AWS Fargate. */
  readonly snapshotter?: string;
}

/** Configuration of containerd. */
export interface ContainerdEvidence {
  readonly file: string;
  /** Name of the proxy plugin for soci-snapshotter, if any. */
  readonly plugin?: string;
  /** Snapshotter of the CRI plugin (Kubernetes), if set. */
  readonly criSnapshotter?: string;
  /** Snapshotters that the transfer service unpacks for. */
  readonly transferSnapshotters: readonly string[];
  /** Whether containerd passes the labels that the snapshotter needs. */
  readonly passesLabels: boolean;
  /** Imported files that could not be read. */
  readonly unreadImports: readonly string[];
}

/** Configuration of soci-snapshotter, with its defaults. */
export interface SnapshotterEvidence {
  readonly file: string;
  readonly v1: boolean;
  readonly v2: boolean;
  readonly parallelPull: boolean;
  /** In bytes. */
  readonly minLayerSize: number;
}

/** Kinds of lines in logs. */
export type LogEvent =
  | 'all-lazy-modes-disabled'
  | 'artifacts-denied'
  | 'artifacts-failed'
  | 'fuse-failed'
  | 'generator-outcome'
  | 'layer-too-small'
  | 'mounted-lazily'
  | 'no-index'
  | 'no-labels'
  | 'parallel-pull'
  | 'v1-disabled'
  | 'v2-disabled'
  | 'wrong-content';

/** A line of a log that matters. */
export interface LogLine {
  readonly number: number;
  /** Message and error, shortened. */
  readonly text: string;
  /** Outcome and reason, for a line of the generator function. */
  readonly outcome?: string;
}

/** What a log says. */
export interface LogEvidence {
  readonly file: string;
  readonly lines: number;
  /** The number of lines, and the last one, of each kind. */
  readonly events: ReadonlyMap<LogEvent, { readonly count: number; readonly last: LogLine }>;
  /** Whether it has lines of soci-snapshotter. */
  readonly isOfSnapshotter: boolean;
  /** Whether it mentions the image: its name, digest or layers. */
  readonly mentionsImage: boolean;
}
