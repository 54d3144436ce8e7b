import { requireVariable } from './environment.ts'

/** Names the secret that services of this team show each other. */
export const teamHeader = 'x-team-key'

/** What a service sends with every request to another one of the team. */
export function teamHeaders(): Record<string, string> {
  return { 'content-type': 'application/json', [teamHeader]: requireVariable('TEAM_KEY') }
}

/** Only what comes from the team may name the run it belongs to: anybody can send a `traceparent`. */
export function isFromTeam(request: {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}): boolean {
  return request.headers[teamHeader] === requireVariable('TEAM_KEY')
}
