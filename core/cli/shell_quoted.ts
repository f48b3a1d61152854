/** Arguments as one types them: in quotes where a shell would split or change one. */
export function shellQuoted(args: readonly string[]): string {
  return args.map((argument) =>
    /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
  ).join(" ");
}
