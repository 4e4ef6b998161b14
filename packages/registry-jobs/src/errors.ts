import { PrintableError } from '@soci/oci';

/** Error codes of {@link RegistryJobsError}, for callers to branch on. The message describes the failure and a remedy. */
export type RegistryJobsErrorCode =
  /** A list of images in use that has an invalid entry or is empty. */
  | 'IN_USE_INVALID'
  /** A repository or registry has more entries than a limit allows. */
  | 'LIMIT_EXCEEDED'
  /** An option that is out of range. */
  | 'OPTION_INVALID'
  /** A lifecycle policy that is not valid. */
  | 'POLICY_INVALID'
  /** A state file that is not valid, belongs to another registry, or has a newer format. */
  | 'STATE_INVALID'
  /** A state file that another run uses. */
  | 'STATE_LOCKED'
  /** An undo file that exists and is not replaced. */
  | 'UNDO_EXISTS'
  /** An undo file that is incomplete, is another file, or has a newer format. */
  | 'UNDO_INVALID';

/** Error class of `@soci/registry-jobs`. Branch on {@link RegistryJobsError.code}, not on the message. */
export class RegistryJobsError extends PrintableError {
  override readonly name = 'RegistryJobsError';
  /** Error code. */
  readonly code: RegistryJobsErrorCode;

  constructor(code: RegistryJobsErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
