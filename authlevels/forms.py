"""The fields of the pages."""

from django import forms


class SignInForm(forms.Form):
    """A name and a password for a tenant."""

    tenant = forms.CharField(max_length=64)
    username = forms.CharField(max_length=255)
    password = forms.CharField(max_length=1024, strip=False)


class TotpForm(forms.Form):
    """A one-time code."""

    code = forms.CharField(max_length=16)


class PasswordForm(forms.Form):
    """A password."""

    password = forms.CharField(max_length=1024, strip=False)


class PasskeyForm(forms.Form):
    """What an authenticator signed, as the page's script writes it: JSON."""

    credential = forms.CharField(max_length=32768)
