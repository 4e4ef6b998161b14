/** How registries are reached: what the command line says of it. */
export interface RegistryAccess {
  /** Where proxies and credentials are named. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of every request, for `--debug`; nothing in it is secret. */
  readonly trace: (line: string) => void;
  /** Who asks. @default found by the registry's host: AWS's credentials for ECR, docker's for others */
  readonly account?: { readonly username: string; readonly password: string };
  /** File of credentials, as docker writes it. @default docker's own */
  readonly authfile?: string;
  /** Speak http. @default only on loopback, where nothing answers https */
  readonly plainHttp?: boolean;
  /** Certificates to trust beside the system's, PEM. @default none */
  readonly ca?: string;
  /** Times that a request which failed in passing is sent again. @default 5 */
  readonly retries?: number;
  /** Milliseconds without a byte after which a connection is given up. @default 30,000 */
  readonly stallTimeout?: number;
}
