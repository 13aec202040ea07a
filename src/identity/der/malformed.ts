/** Not DER, or not the DER that was expected. Thrown inside parsers only; none lets it out. */
export class Malformed extends Error {
  override readonly name = "Malformed";
  /** The rule that is broken. */
  readonly rule: string;

  constructor(rule: string, found: string) {
    super(found);
    this.rule = rule;
  }
}
