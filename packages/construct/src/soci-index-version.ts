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
