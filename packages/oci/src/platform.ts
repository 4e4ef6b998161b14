/**
 * What an image runs on.
 *
 * @see OCI image-spec v1.1, image-index.md, `platform`
 */
export interface Platform {
  /** GOARCH value, such as `amd64`. */
  readonly architecture: string;
  /** GOOS value, such as `linux`. */
  readonly os: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  /** CPU variant, such as `v7` of `arm`. */
  readonly variant?: string;
}
