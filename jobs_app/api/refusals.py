"""What goes wrong at the door of HTTP, in the form of the domain's errors; and the status of each error."""

from http import HTTPStatus

from rest_framework import exceptions

from ..errors import (
    AuditUnavailable,
    Gone,
    Invalid,
    KeyBusy,
    KeyReused,
    NotAllowed,
    NotFound,
    OwnSubmission,
    PeopleOnly,
    PolicyChanged,
    PortalError,
    Reauthenticate,
    RequestDiffers,
    RoleTooNew,
    SecondFactorNeeded,
    TokenRefused,
    TooLarge,
    TooManyCalls,
    TooManyWaiting,
    UnreadableLine,
    WrongState,
)


class Malformed(PortalError):
    """The body can't be read; send one JSON document in UTF-8."""

    code = "malformed"


class NotAuthenticated(PortalError):
    """Send a service's token in the header Authorization, behind the word Bearer, or sign in on the pages first."""

    code = "not_authenticated"


class CsrfMissing(PortalError):
    """A session alone may only read; send its CSRF token too, in the header X-CSRFToken."""

    code = "permission_denied"


class MethodNotAllowed(PortalError):
    """This address doesn't take this method; the header Allow names those that it takes."""

    code = "method_not_allowed"


class NotAcceptable(PortalError):
    """The API answers with application/json; name it in the header Accept, or leave Accept out."""

    code = "not_acceptable"


class BodyTooLarge(TooLarge):
    """The body is larger than 12 MB; split it."""


class UnsupportedMediaType(PortalError):
    """This call doesn't take such a body; send JSON, with the header Content-Type: application/json."""

    code = "unsupported_media_type"


class DatabaseAway(PortalError):
    """The database can't be reached, so nothing was stored; try again shortly."""

    code = "unavailable"


class Unexpected(PortalError):
    """Something went wrong in the portal; tell the administrators this request's id."""

    code = "internal"


_STATUS: dict[type[PortalError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    Malformed: HTTPStatus.BAD_REQUEST,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    TokenRefused: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    Reauthenticate: HTTPStatus.FORBIDDEN,
    SecondFactorNeeded: HTTPStatus.FORBIDDEN,
    CsrfMissing: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    WrongState: HTTPStatus.CONFLICT,
    RequestDiffers: HTTPStatus.CONFLICT,
    KeyBusy: HTTPStatus.CONFLICT,
    Gone: HTTPStatus.GONE,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyWaiting: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyCalls: HTTPStatus.TOO_MANY_REQUESTS,
    UnreadableLine: HTTPStatus.INTERNAL_SERVER_ERROR,
    Unexpected: HTTPStatus.INTERNAL_SERVER_ERROR,
    AuditUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    DatabaseAway: HTTPStatus.SERVICE_UNAVAILABLE,
}
_FRAMEWORKS: dict[type[exceptions.APIException], type[PortalError]] = {
    exceptions.NotAuthenticated: NotAuthenticated,
    exceptions.PermissionDenied: CsrfMissing,
    exceptions.MethodNotAllowed: MethodNotAllowed,
    exceptions.NotAcceptable: NotAcceptable,
    exceptions.UnsupportedMediaType: UnsupportedMediaType,
}


# What a decision, and a call that submits and is repeated with its key, may be answered with besides.
DECIDING: tuple[type[PortalError], ...] = (
    *(NotFound, PeopleOnly, OwnSubmission, RoleTooNew, Reauthenticate, WrongState, RequestDiffers),
)
REPEATING: tuple[type[PortalError], ...] = (PolicyChanged, KeyBusy, KeyReused)


def status_of(kind: type[PortalError]) -> HTTPStatus:
    """An error that nobody gave a status is somebody's mistake, and so far always the caller's."""
    return next((status for known, status in _STATUS.items() if issubclass(kind, known)), HTTPStatus.BAD_REQUEST)


def of_framework(error: exceptions.APIException) -> PortalError:
    """What the framework refused, in our words."""
    kind = next((own for theirs, own in _FRAMEWORKS.items() if isinstance(error, theirs)), None)
    if kind:
        return kind()
    own = TokenRefused if isinstance(error, exceptions.AuthenticationFailed) else Malformed
    return own(str(error.detail))
